"""Reading candidates and materials: filters and pages, one material, notes, exports."""
