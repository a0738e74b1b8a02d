"""Tables, figures and the HTML report: rows in, text out; nothing here reads the store."""
