"""Charts of a campaign as Plotly figures; their colours are names of the style sheet, which `assets/review_charts.js` resolves."""
