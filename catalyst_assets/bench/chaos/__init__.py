"""`catalyst bench chaos`: a campaign on Celery with a fault an iteration, against one that nothing disturbs."""
