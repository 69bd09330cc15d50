"""How fast Postroom is beside what people use instead. Measures and reports; never asserts."""
