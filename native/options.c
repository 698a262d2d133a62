#include "options.h"

#include <errno.h>
#include <string.h>

#include "text.h"

/* "subject: what the kernel says about it" */
static void explain(struct party *party, int context, const char *subject)
{
    char buffer[512];
    struct text text = TEXT_IN(buffer);
    text_add(&text, subject);
    char message[256]; /* "e overlay: Unknown parameter 'x'", one for each read, no NUL */
    long length = sys_read(context, message, sizeof message - 1);
    if (length > 2) {
        message[length] = '\0';
        text_add(&text, *subject != '\0' ? ": " : "");
        text_add(&text, message + 2);
    }
    report_text(party, buffer);
}

static int apply_one(int context, const char *option)
{
    const char *equals = strchr(option, '=');
    if (!equals)
        return (int)SYS(fsconfig, context, FSCONFIG_SET_FLAG, option, 0, 0);
    char key[64];
    const size_t length = (size_t)(equals - option);
    if (length >= sizeof key)
        return -EINVAL;
    memcpy(key, option, length);
    key[length] = '\0';
    return (int)SYS(fsconfig, context, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

int options_apply(struct party *party, int context, uint32_t block, uint32_t size)
{
    const char *option = plan_string(party, block);
    const char *end = option + size;
    for (; option < end; option += strlen(option) + 1) {
        int result = apply_one(context, option);
        if (result < 0) {
            explain(party, context, option);
            return result;
        }
    }
    return 0;
}

int options_mount(struct party *party, int context, unsigned attributes)
{
    int result = (int)SYS(fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    if (result < 0) {
        explain(party, context, "");
        return result;
    }
    return (int)SYS(fsmount, context, FSMOUNT_CLOEXEC, attributes);
}
