"""Charts as SVG inside the page: drawn by hand, since four plain kinds need no library.

Series differ by shape and dashes besides colour. Each chart has a title and a description for those
who do not see it; colours come from the page's style sheet, so that they follow its scheme.
"""
