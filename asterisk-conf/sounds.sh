#!/bin/sh
# Make what the fallback speaks, and the music of those who wait, in a folder (/var/lib/ivrengine).
#
#   sounds.sh TARGET
#
# Needs espeak-ng and sox. A recording of your own, asterisk-conf/sounds/<language>/<name>.wav, wins over synthesis.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if [ $# -ne 1 ]; then
    echo "usage: sounds.sh TARGET (a folder such as /var/lib/ivrengine)" >&2
    exit 2
fi
target=$1
for tool in espeak-ng sox; do
    command -v "$tool" > /dev/null || {
        echo "$tool is not installed; on Debian: apt-get install espeak-ng sox" >&2
        exit 2
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In the trunk's codecs and as wav: Asterisk takes whichever costs no transcoding. 8 kHz, mono, 3 dB of headroom.
publish() {
    sox "$1" -r 8000 -c 1 -b 16 "$work/out.wav" gain -n -3
    mkdir -p "$(dirname "$2")"
    sox "$work/out.wav" -t al "$2.alaw"
    sox "$work/out.wav" -t ul "$2.ulaw"
    cp "$work/out.wav" "$2.wav"
}

say() { # language voice name text
    if [ -f "$here/sounds/$1/$3.wav" ]; then
        publish "$here/sounds/$1/$3.wav" "$target/sounds/$1/$3"
    else
        espeak-ng -v "$2" -s 165 -w "$work/said.wav" "$4"
        publish "$work/said.wav" "$target/sounds/$1/$3"
    fi
}

say tr tr apology "Özür dileriz, sistemimizde bir aksaklık var. Sizi bir arkadaşımıza bağlıyoruz."
say en en-gb apology "We are sorry, we have a technical problem. We are connecting you to a colleague."
say tr tr waiting "Beklediğiniz için teşekkür ederiz. Çağrınız sırada, lütfen hatta kalın."
say en en-gb waiting "Thank you for waiting. Your call is in line, please hold on."
say tr tr nobody "Özür dileriz, şu anda size yardımcı olabilecek kimse yok. Lütfen daha sonra arayın."
say en en-gb nobody "We are sorry, nobody can take your call at the moment. Please call again later."
say tr tr busy "Şu anda tüm hatlarımız dolu. Lütfen birazdan yeniden arayın."
say en en-gb busy "All our lines are busy at the moment. Please call again shortly."

# Four slow chords, twenty seconds, faded at both ends so that the loop has no seam. Quiet: it is talked over by nobody.
chord() { # number note note note
    sox -n -r 8000 -c 1 -b 16 "$work/chord$1.wav" synth 5 sine "$2" sine "$3" sine "$4" \
        remix - fade t 0.8 5 1.2 gain -n -12
}
chord 1 261.63 329.63 392.00
chord 2 220.00 261.63 329.63
chord 3 174.61 261.63 349.23
chord 4 196.00 246.94 392.00
sox "$work/chord1.wav" "$work/chord2.wav" "$work/chord3.wav" "$work/chord4.wav" "$work/calm.wav"
mkdir -p "$target/music/default"
sox "$work/calm.wav" -t al "$target/music/default/calm.alaw"
sox "$work/calm.wav" -t ul "$target/music/default/calm.ulaw"
cp "$work/calm.wav" "$target/music/default/calm.wav"
