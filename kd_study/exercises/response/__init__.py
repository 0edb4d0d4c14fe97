"""What a student learns from a teacher's logits and labels."""
