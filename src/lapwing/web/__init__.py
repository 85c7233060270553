"""The web door: the HTTP API, sign-in, and the frame that pages plug into."""
