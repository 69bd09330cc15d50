"""How files of others are edited: as text, so that comments, order, indentation and line ends stay. Pure: no file is opened here."""
