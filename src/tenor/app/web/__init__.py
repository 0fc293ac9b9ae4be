"""The pages: what is forecast, how far to believe it, what if; drawn by NiceGUI on the server of the API."""
