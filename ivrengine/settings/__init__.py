"""The settings of an engine: what can be set (``model``), and how it is read (``load``)."""
