"""Tests of what both sandbox servers share."""
