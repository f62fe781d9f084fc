"""The five homeworks, a module for each, and what their answers are tried on."""
