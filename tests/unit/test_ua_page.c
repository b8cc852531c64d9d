// SPDX-License-Identifier: GPL-3.0-or-later
// Fax documents of the reference user agent: made, counted, compared by pixels.
#include "tests/ua/ua_page.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>
#include <unistd.h>

static char error[PAGE_ERROR_MAX];

// A file of its own for each name; each test runs in a process of its own.
static const char *file(unsigned n)
{
    static char names[3][64];
    snprintf(names[n], sizeof(names[n]), P_tmpdir "/test_ua_page.%d.%u.tif", (int)getpid(), n);
    return names[n];
}

static void remove_files(void)
{
    for (unsigned i = 0; i < 3; i++)
        unlink(file(i));
}

static void make(unsigned n, unsigned pages, bool fine)
{
    error[0] = '\0';
    ck_assert_msg(page_make(file(n), pages, fine, error) == 0, "%s", error);
}

// A document has the pages asked for, A4 wide, at one of the two T.4 resolutions.
START_TEST(document_is_a_fax_page_wide)
{
    uint32_t width = 0, length = 0;
    uint16_t compression = 0;

    make(0, 3, true);
    ck_assert_int_eq(page_count(file(0), error), 3);
    TIFF *tif = TIFFOpen(file(0), "r");
    ck_assert_ptr_nonnull(tif);
    TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &length);
    TIFFGetField(tif, TIFFTAG_COMPRESSION, &compression);
    TIFFClose(tif);
    ck_assert_uint_eq(width, PAGE_WIDTH);
    ck_assert_uint_eq(length, 2 * 1078);
    ck_assert_uint_eq(compression, COMPRESSION_CCITT_T6);
    remove_files();
}
END_TEST

// The same pages are equal.
START_TEST(same_documents_are_equal)
{
    unsigned pages;

    make(0, 2, false);
    make(1, 2, false);
    ck_assert_int_eq(page_compare(file(0), file(1), &pages, error), 0);
    ck_assert_uint_eq(pages, 2);
    remove_files();
}
END_TEST

static void expect_difference(unsigned equal_pages, const char *word)
{
    unsigned pages;

    ck_assert_int_eq(page_compare(file(0), file(1), &pages, error), 1);
    ck_assert_uint_eq(pages, equal_pages);
    ck_assert_msg(strstr(error, word) != NULL, "'%s' says nothing of '%s'", error, word);
    remove_files();
}

// A missing page is a difference, in either file.
START_TEST(missing_page_is_a_difference)
{
    make(0, 2, false);
    make(1, 3, false);
    expect_difference(2, "ends after page 2");
    make(0, 3, false);
    make(1, 2, false);
    expect_difference(2, "ends after page 2");
}
END_TEST

// Another resolution is a difference: it has other pixels.
START_TEST(other_resolution_is_a_difference)
{
    make(0, 1, false);
    make(1, 1, true);
    expect_difference(0, "pixels");
}
END_TEST

// Copies page n of file 0 to file 1 in another coding, with the given pixel inverted (-1: none).
static void copy_page(unsigned n, uint16_t photometric, int wrong_x)
{
    TIFF *in = TIFFOpen(file(0), "r"), *out = TIFFOpen(file(1), "w");
    uint8_t row[PAGE_WIDTH / 8];
    uint32_t length = 0;

    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(out);
    TIFFSetDirectory(in, (uint16_t)n);
    TIFFGetField(in, TIFFTAG_IMAGELENGTH, &length);
    TIFFSetField(out, TIFFTAG_IMAGEWIDTH, PAGE_WIDTH);
    TIFFSetField(out, TIFFTAG_IMAGELENGTH, length);
    TIFFSetField(out, TIFFTAG_BITSPERSAMPLE, 1);
    TIFFSetField(out, TIFFTAG_COMPRESSION, COMPRESSION_PACKBITS);
    TIFFSetField(out, TIFFTAG_PHOTOMETRIC, photometric);
    TIFFSetField(out, TIFFTAG_ROWSPERSTRIP, 100);
    for (uint32_t y = 0; y < length; y++) {
        ck_assert_int_ge(TIFFReadScanline(in, row, y, 0), 0);
        if (wrong_x >= 0 && y == length / 2)
            row[wrong_x / 8] ^= (uint8_t)(0x80 >> (wrong_x % 8));
        if (photometric == PHOTOMETRIC_MINISBLACK)
            for (size_t i = 0; i < sizeof(row); i++)
                row[i] = (uint8_t)~row[i];
        ck_assert_int_ge(TIFFWriteScanline(out, row, y, 0), 0);
    }
    TIFFClose(in);
    TIFFClose(out);
}

// Coding, strips and the meaning of 0 and 1 do not matter, pixels do.
START_TEST(coding_does_not_matter)
{
    unsigned pages;

    make(0, 1, false);
    copy_page(0, PHOTOMETRIC_MINISBLACK, -1);
    ck_assert_int_eq(page_compare(file(0), file(1), &pages, error), 0);
    remove_files();
}
END_TEST

// One wrong pixel on a page is a difference, and its row is named.
START_TEST(one_pixel_is_a_difference)
{
    make(0, 1, false);
    copy_page(0, PHOTOMETRIC_MINISWHITE, PAGE_WIDTH - 1);
    expect_difference(0, "row 539");
}
END_TEST

// Two pages of one document do not look alike.
START_TEST(pages_do_not_look_alike)
{
    make(0, 2, false);
    copy_page(1, PHOTOMETRIC_MINISWHITE, -1);
    expect_difference(0, "page 1 differs");
}
END_TEST

// What is no document, or not there, is said so.
START_TEST(no_document_is_refused)
{
    unsigned pages;

    ck_assert_int_eq(page_count("/nonexistent/x.tif", error), -EIO);
    ck_assert_int_eq(page_make("/nonexistent/x.tif", 1, false, error), -EIO);
    FILE *f = fopen(file(0), "w");
    ck_assert_ptr_nonnull(f);
    fputs("no TIFF at all", f);
    fclose(f);
    make(1, 1, false);
    ck_assert_int_eq(page_compare(file(0), file(1), &pages, error), -EIO);
    ck_assert_int_eq(page_compare(file(1), file(0), &pages, error), -EIO);
    remove_files();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        document_is_a_fax_page_wide,      same_documents_are_equal, missing_page_is_a_difference,
        other_resolution_is_a_difference, coding_does_not_matter,   one_pixel_is_a_difference,
        pages_do_not_look_alike,          no_document_is_refused,
    };
    return SUITE_RUN("ua_page", tests);
}
