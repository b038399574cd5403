"""The flow language: its model, its compiler (``load`` and ``check``), and ``step``, the fold that runs it."""
