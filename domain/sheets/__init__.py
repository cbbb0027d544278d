"""Spreadsheets: lists written as CSV and XLSX, and hostile files read in a process of their own."""
