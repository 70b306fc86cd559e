#pragma once
// nifti2_io.h includes "znzlib.h" without its folder; this forwards to Debian's place.
#include <nifti/znzlib.h>
