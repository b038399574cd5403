// The menu call with Node's ari-client, as its documentation has it.
'use strict';

const client = require('ari-client');

const { BENCH_URL, BENCH_APP, BENCH_PASSWORD, BENCH_QUESTION, BENCH_GOODBYE } = process.env;

client.connect(BENCH_URL.replace(/\/ari$/, ''), 'ivrengine', BENCH_PASSWORD, (error, ari) => {
  if (error) throw error;
  const playing = new Set();
  // A caller who hangs up meanwhile is no fault of the script.
  const ignore = () => {};

  const play = (channel, name, media) => {
    const playbackId = `${channel}-${name}`;
    playing.add(playbackId);
    return ari.channels.playWithId({ channelId: channel, playbackId, media }).catch(ignore);
  };
  const hangUp = (channel) => ari.channels.hangup({ channelId: channel }).catch(ignore);

  ari.on('StasisStart', async (event, channel) => {
    await channel.answer().catch(ignore);
    await play(channel.id, 'question', BENCH_QUESTION);
  });
  ari.on('ChannelDtmfReceived', async (event, channel) => {
    const question = `${channel.id}-question`;
    if (playing.has(question)) await ari.playbacks.stop({ playbackId: question }).catch(ignore);
    if (event.digit === '1') await play(channel.id, 'goodbye', BENCH_GOODBYE);
    else await hangUp(channel.id);
  });
  ari.on('PlaybackFinished', async (event, playback) => {
    playing.delete(playback.id);
    if (playback.id.endsWith('-goodbye')) await hangUp(playback.id.replace(/-goodbye$/, ''));
  });
  ari.start(BENCH_APP, () => console.log('ready'));
});
