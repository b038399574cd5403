# shellcheck shell=sh
# What differs between instances of Asterisk, with its defaults: the one place of ports and addresses.
# Sourced by render.sh, chroot.sh and container entry points; every value can be set in the environment.
#
# IVR_INSTANCE numbers the instances on one machine (default 1): each moves the ports by 100 and RTP by 5,000.

: "${IVR_INSTANCE:=1}"
case $IVR_INSTANCE in
    [1-9]) ;;
    *)
        echo "IVR_INSTANCE must be a number from 1 to 9, not '$IVR_INSTANCE'." >&2
        exit 2
        ;;
esac
ivr_step=$((IVR_INSTANCE - 1))

# Where ARI and AMI listen, and who may log in there.
: "${IVR_CONTROL_ADDRESS:=127.0.0.1}"
: "${IVR_CONTROL_PERMIT:=127.0.0.0/255.0.0.0}"
: "${IVR_ARI_PORT:=$((8088 + 100 * ivr_step))}"
: "${IVR_AMI_PORT:=$((5038 + 100 * ivr_step))}"

# Where SIP and media are.
: "${IVR_SIP_ADDRESS:=127.0.0.1}"
: "${IVR_SIP_PORT:=$((5060 + 100 * ivr_step))}"
: "${IVR_RTP_START:=$((10000 + 5000 * ivr_step))}"
: "${IVR_RTP_END:=$((14999 + 5000 * ivr_step))}"

# The carrier: where its calls come from (and, with digits by SIP INFO only, a second address), and where ours go.
: "${IVR_TRUNK_MATCH:=127.0.0.1}"
: "${IVR_TRUNK_INFO_MATCH:=127.0.0.2}"
: "${IVR_TRUNK_CONTACT:=sip:127.0.0.1:$((5080 + 100 * ivr_step))}"

# Where Asterisk writes down the calls that the engine did not see, as Asterisk sees it.
: "${IVR_MISSED_DIR:=/var/spool/ivrengine}"

# yes: prompts are fetched from the engine over HTTP (`sounds_url` of its settings), for which a module is loaded that can fetch.
: "${IVR_PROMPTS_BY_HTTP:=no}"
