// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_PAGE_H
#define UA_PAGE_H
// Fax documents as TIFF files: making one that a human recognises, and comparing two by pixels.

#include <stdbool.h>

#define PAGE_WIDTH 1728    // T.4: pixels across an A4 page
#define PAGE_COUNT_MAX 999 // digits the drawing has room for
#define PAGE_ERROR_MAX 200

// Writes a document of that many pages at 204 x 98 dpi, or 204 x 196 when fine: G4 coded, with its
// page number in big block digits. Returns 0 or -EIO with a sentence in error.
int page_make(const char *path, unsigned pages, bool fine, char error[static PAGE_ERROR_MAX]);

// Compares page by page and pixel by pixel, whatever the compression. Returns 0 when they show the
// same, 1 when they differ (a sentence in error says where), -EIO when one cannot be read.
// *pages: how many pages were compared equal.
int page_compare(const char *a, const char *b, unsigned *pages, char error[static PAGE_ERROR_MAX]);

// The number of pages of a readable bilevel TIFF; -EIO otherwise, with a sentence in error.
int page_count(const char *path, char error[static PAGE_ERROR_MAX]);

#endif
