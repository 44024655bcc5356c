"""One file per figure or claim; `framework` says what such a file holds."""
