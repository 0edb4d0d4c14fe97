"""The lessons: their outline, and how a source becomes two notebooks."""
