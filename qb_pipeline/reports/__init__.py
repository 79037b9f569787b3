"""What people take out of the pipeline and bring back: workbooks and pages made from the store."""
