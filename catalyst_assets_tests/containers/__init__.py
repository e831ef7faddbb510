"""`make compose-test`: builds the images, starts compose.yaml with podman and tries what it promises."""
