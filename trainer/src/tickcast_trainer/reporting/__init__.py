"""The report of a trained model: one page that stands alone, and the same figures as JSON.

``document`` says what a report holds, ``gather`` measures it, ``worries`` reads it, ``page`` shows
it, ``publish`` writes it. The page is made from the document alone, so that both say the same.
"""
