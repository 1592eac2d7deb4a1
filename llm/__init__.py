"""Models behind HTTP: who they are, how they are asked, how their replies are read; and a scripted demo server."""
