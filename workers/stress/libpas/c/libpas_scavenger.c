#include "driver.h"

#include "pas_scavenger.h"

void scavenge(void)
{
    pas_scavenger_run_synchronously_now();
}

void scavenge_only_when_told(void)
{
    pas_scavenger_suspend();
}

void scavenge_expendable(void)
{
    pas_scavenger_decommit_expendable_memory();
}
