// Carries the precompiled header that all test suites share.
