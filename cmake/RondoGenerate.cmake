# rondo_generate: filled in with the generator.
