"""From structures to features: graphs, backbones, descriptors, embeddings."""
