-- Which places in candidate_listing.numbers the predictions of properties have.
SELECT property, slot FROM listed_properties
