"""The book's homework: what students check their answers with, and what instructors grade them with."""
