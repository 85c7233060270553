"""What the law asks and allows, as data files with source, date and certainty. Not legal advice."""
