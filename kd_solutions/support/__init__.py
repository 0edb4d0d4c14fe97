"""What every room may need: errors, the two languages, files, paths, downloads and the line that counts."""
