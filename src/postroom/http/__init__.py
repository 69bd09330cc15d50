"""The post room over HTTP: the bus, the verbs of the SDK, live feeds and the gateway. No rule about messages is made here."""
