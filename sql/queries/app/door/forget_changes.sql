-- Remove changes of more than a week ago.
SELECT forget_changes();
