// SPDX-License-Identifier: GPL-3.0-or-later
// Fax documents.
//
// Happy path: a page is a frame, a ruler of ever finer bars, three block digits and a field of
// grey-like dots, all computed from the page number, so that two pages never look alike. Comparing
// decodes both files row by row. Failure: libtiff's own messages are kept off the screen; the
// caller gets one sentence with the file's name.

#include "tests/ua/ua_page.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

// Rows of a page: a little less than A4 so that a demo stays short.
#define ROWS 1078
#define ROW_BYTES (PAGE_WIDTH / 8)
#define MARGIN 48
#define DIGITS 3
// A digit is 5 cells wide and 7 high; a cell is 64 x 40 pixels (204 x 98 dpi are not square).
#define CELL_W 64
#define CELL_H 40
#define DIGIT_LEFT 384
#define DIGIT_TOP 240
#define RULER_TOP 100
#define RULER_BOTTOM 180
#define DOTS_TOP 700

// Block digits, one row per byte, five bits each.
static const uint8_t digits[10][7] = {
    {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e}, {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e},
    {0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f}, {0x1f, 0x01, 0x02, 0x06, 0x01, 0x11, 0x0e},
    {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}, {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e},
    {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}, {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08},
    {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}, {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c},
};

static bool in_digits(unsigned x, unsigned y, unsigned number)
{
    static const unsigned place[DIGITS] = {100, 10, 1};
    if (x < DIGIT_LEFT || y < DIGIT_TOP)
        return false;
    unsigned cell_x = (x - DIGIT_LEFT) / CELL_W;
    unsigned row = (y - DIGIT_TOP) / CELL_H;
    unsigned digit = cell_x / 6; // five cells and a gap
    unsigned column = cell_x % 6;
    if (row >= 7 || digit >= DIGITS || column >= 5)
        return false;
    return digits[number / place[digit] % 10][row] >> (4 - column) & 1;
}

static bool in_frame(unsigned x, unsigned y)
{
    bool inside = x >= MARGIN && x < PAGE_WIDTH - MARGIN && y >= MARGIN && y < ROWS - MARGIN;
    bool deeper =
        x >= MARGIN + 8 && x < PAGE_WIDTH - MARGIN - 8 && y >= MARGIN + 6 && y < ROWS - MARGIN - 6;
    return inside && !deeper;
}

// y counts rows at 98 dpi, whatever the resolution of the file.
static bool black(unsigned x, unsigned y, unsigned number)
{
    if (in_frame(x, y) || in_digits(x, y, number))
        return true;
    if (x < 2 * MARGIN || x >= PAGE_WIDTH - 2 * MARGIN)
        return false;
    if (y >= RULER_TOP && y < RULER_BOTTOM)
        return (x - 2 * MARGIN) / (64 >> ((y - RULER_TOP) / 16)) % 2 == 0;
    if (y >= DOTS_TOP && y < ROWS - 2 * MARGIN)
        return (x * 7 + y * 13 + (x ^ y) * number) % 29 == 0;
    return false;
}

static int write_page(TIFF *tif, unsigned number, unsigned pages, bool fine)
{
    unsigned factor = fine ? 2 : 1;

    TIFFSetField(tif, TIFFTAG_SUBFILETYPE, FILETYPE_PAGE);
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, PAGE_WIDTH);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, ROWS * factor);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, 1);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tif, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T6);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
    TIFFSetField(tif, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, ROWS * factor);
    TIFFSetField(tif, TIFFTAG_XRESOLUTION, 204.0);
    TIFFSetField(tif, TIFFTAG_YRESOLUTION, 98.0 * factor);
    TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
    TIFFSetField(tif, TIFFTAG_PAGENUMBER, number - 1, pages);
    for (unsigned y = 0; y < ROWS * factor; y++) {
        uint8_t row[ROW_BYTES] = {0};
        for (unsigned x = 0; x < PAGE_WIDTH; x++)
            if (black(x, y / factor, number))
                row[x / 8] |= (uint8_t)(0x80 >> (x % 8));
        if (TIFFWriteScanline(tif, row, y, 0) < 0)
            return -EIO;
    }
    return TIFFWriteDirectory(tif) ? 0 : -EIO;
}

static void quiet_libtiff(void)
{
    TIFFSetWarningHandler(NULL);
    TIFFSetErrorHandler(NULL);
}

int page_make(const char *path, unsigned pages, bool fine, char error[static PAGE_ERROR_MAX])
{
    int rc = 0;

    quiet_libtiff();
    TIFF *tif = TIFFOpen(path, "w");
    if (!tif) {
        snprintf(error, PAGE_ERROR_MAX, "%s cannot be written", path);
        return -EIO;
    }
    for (unsigned n = 1; n <= pages && rc == 0; n++)
        rc = write_page(tif, n, pages, fine);
    TIFFClose(tif);
    if (rc != 0)
        snprintf(error, PAGE_ERROR_MAX, "%s: writing failed", path);
    return rc;
}

// One file being read, at one page.
struct sheet {
    const char *path;
    TIFF *tif;
    uint32_t width, length;
    uint16_t photometric;
    uint8_t *row;
};

static int sheet_page(struct sheet *s, char error[static PAGE_ERROR_MAX])
{
    uint16_t bits = 1, samples = 1;

    TIFFGetFieldDefaulted(s->tif, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(s->tif, TIFFTAG_SAMPLESPERPIXEL, &samples);
    if (bits != 1 || samples != 1 || !TIFFGetField(s->tif, TIFFTAG_IMAGEWIDTH, &s->width) ||
        !TIFFGetField(s->tif, TIFFTAG_IMAGELENGTH, &s->length)) {
        snprintf(error, PAGE_ERROR_MAX, "%s is not a fax document (one bit per pixel)", s->path);
        return -EIO;
    }
    s->photometric = PHOTOMETRIC_MINISWHITE;
    TIFFGetField(s->tif, TIFFTAG_PHOTOMETRIC, &s->photometric);
    free(s->row);
    s->row = malloc((size_t)TIFFScanlineSize(s->tif));
    if (!s->row) {
        snprintf(error, PAGE_ERROR_MAX, "%s: no memory for a row", s->path);
        return -EIO;
    }
    return 0;
}

static int sheet_open(struct sheet *s, const char *path, char error[static PAGE_ERROR_MAX])
{
    *s = (struct sheet){.path = path};
    quiet_libtiff();
    s->tif = TIFFOpen(path, "r");
    if (!s->tif) {
        snprintf(error, PAGE_ERROR_MAX, "%s is not a readable TIFF file", path);
        return -EIO;
    }
    return sheet_page(s, error);
}

static void sheet_close(struct sheet *s)
{
    if (s->tif)
        TIFFClose(s->tif);
    free(s->row);
}

// Reads row y with black as 1 and the bits behind the last pixel as 0.
static int sheet_row(struct sheet *s, uint32_t y)
{
    if (TIFFReadScanline(s->tif, s->row, y, 0) < 0)
        return -EIO;
    uint32_t bytes = (s->width + 7) / 8;
    if (s->photometric == PHOTOMETRIC_MINISBLACK)
        for (uint32_t i = 0; i < bytes; i++)
            s->row[i] = (uint8_t)~s->row[i];
    if (s->width % 8 != 0)
        s->row[bytes - 1] &= (uint8_t)(0xff00 >> (s->width % 8));
    return 0;
}

static int compare_page(struct sheet *a, struct sheet *b, unsigned page,
                        char error[static PAGE_ERROR_MAX])
{
    if (a->width != b->width || a->length != b->length) {
        snprintf(error, PAGE_ERROR_MAX, "page %u: %ux%u pixels beside %ux%u", page, a->width,
                 a->length, b->width, b->length);
        return 1;
    }
    for (uint32_t y = 0; y < a->length; y++) {
        if (sheet_row(a, y) != 0 || sheet_row(b, y) != 0) {
            snprintf(error, PAGE_ERROR_MAX, "page %u row %u cannot be read", page, y);
            return -EIO;
        }
        if (memcmp(a->row, b->row, (a->width + 7) / 8) != 0) {
            snprintf(error, PAGE_ERROR_MAX, "page %u differs in row %u", page, y);
            return 1;
        }
    }
    return 0;
}

static int compare_pages(struct sheet *a, struct sheet *b, unsigned *pages,
                         char error[static PAGE_ERROR_MAX])
{
    for (;;) {
        int rc = compare_page(a, b, *pages + 1, error);
        if (rc != 0)
            return rc;
        ++*pages;
        int more_a = TIFFReadDirectory(a->tif), more_b = TIFFReadDirectory(b->tif);
        if (more_a != more_b) {
            snprintf(error, PAGE_ERROR_MAX, "%s ends after page %u, the other does not",
                     more_a ? b->path : a->path, *pages);
            return 1;
        }
        if (!more_a)
            return 0;
        if (sheet_page(a, error) != 0 || sheet_page(b, error) != 0)
            return -EIO;
    }
}

int page_compare(const char *a, const char *b, unsigned *pages, char error[static PAGE_ERROR_MAX])
{
    struct sheet left = {0}, right = {0};
    int rc = sheet_open(&left, a, error);

    *pages = 0;
    if (rc == 0)
        rc = sheet_open(&right, b, error);
    if (rc == 0)
        rc = compare_pages(&left, &right, pages, error);
    sheet_close(&left);
    sheet_close(&right);
    return rc;
}

int page_count(const char *path, char error[static PAGE_ERROR_MAX])
{
    struct sheet s;
    int rc = sheet_open(&s, path, error);

    if (rc == 0)
        rc = (int)TIFFNumberOfDirectories(s.tif);
    sheet_close(&s);
    return rc;
}
