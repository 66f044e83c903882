#pragma once
#include <mach/mach_types.h>
