"""The language of declarations: expressions and portable SQL, read, checked and rendered."""
