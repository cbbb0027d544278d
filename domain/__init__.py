"""Every rule and every table of Voltdesk; knows no flask, quart, ocpp or stripe."""
