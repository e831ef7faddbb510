UPDATE notices SET posted_at = NULL WHERE notice_id = :notice_id
