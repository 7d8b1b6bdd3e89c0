"""What is asked, and how a graded answer is read: samples, offers, data, extraction."""
