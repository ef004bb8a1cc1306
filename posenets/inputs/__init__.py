"""What a lifter reads: joint layouts and input modes."""
