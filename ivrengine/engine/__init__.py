"""The engine: a mailbox and a task per call, the journal, timers, and the performing of effects."""
