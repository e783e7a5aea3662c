"""What must hold of every merge and every harvest, whatever the sessions; and proof that each law can fail."""
