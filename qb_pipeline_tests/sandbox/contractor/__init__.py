"""Tests of the contractor sandbox over real HTTP."""
