"""Prompts: from texts and recordings to the audio files that a switch plays, made before any caller hears them."""
