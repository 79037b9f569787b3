"""Tests of the translation between QBO's objects and canonical values."""
