/* Has the program that it is loaded with give back what is free of its memory, every second: what the program has then
 * is what is in use, and the rest of pages of which a part is. */

#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

static void *trim(void *nothing)
{
    for (;;) {
        sleep(1);
        malloc_trim(0);
    }
    return nothing;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, trim, 0);
}
