using System.Globalization;
using System.Text;
using Pairwise.Crypto;
using Pairwise.TestKit;

namespace Pairwise.Ratchet.Tests;

/// <summary>
/// Two ratchets under reordering, loss, duplication and forgery agree with a simple model: every message can be read
/// exactly once, whenever it arrives, and nothing else can be read at all.
/// </summary>
public sealed class TwoRatchetsTests
{
    private const int DefaultSeedsPerMode = 4;
    private const int ActionsPerRun = 140;

    /// <summary>PAIRWISE_RATCHET_SEEDS runs more conversations of each mode than the fast tests do.</summary>
    private static int SeedsPerMode =>
        int.TryParse(Environment.GetEnvironmentVariable("PAIRWISE_RATCHET_SEEDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seeds)
            ? seeds
            : DefaultSeedsPerMode;

    /// <summary>How the two sides deal with the KEM.</summary>
    public enum Mode
    {
        Version2,
        Version3WithoutKem,
        Version2UpgradedTo3,
        JoiningSideProposes,
        BothPropose,
        NotAccepted,
        Accepted,
        SwitchedAtWill,
    }

    public static TheoryData<Mode, int> Runs()
    {
        var runs = new TheoryData<Mode, int>();
        foreach (var mode in Enum.GetValues<Mode>())
        {
            for (var seed = 1; seed <= SeedsPerMode; seed++)
                runs.Add(mode, (1000 * (int)mode) + seed);
        }

        return runs;
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Every_message_is_read_exactly_once_in_any_order(Mode mode, int seed)
    {
        using var run = new Run(mode, seed);
        try
        {
            for (var action = 0; action < ActionsPerRun; action++)
                run.Act();
            run.DeliverTheRest();
            run.CheckThatTheConversationGoesOn();
        }
        catch (Exception fault)
        {
            throw new InvalidOperationException($"mode {mode}, seed {seed}, after: {run.Trace}", fault);
        }
    }

    /// <summary>
    /// A weakness of the protocol that we keep, because the recorded conversations have it: once the KEM is turned off,
    /// the chain's later headers do not carry its secret any more, so a peer that misses the earlier messages of the
    /// chain makes a wrong step, and only a new key agreement helps.
    /// </summary>
    [Fact]
    public void Turning_the_kem_off_in_a_chain_nobody_heard_of_needs_the_messages_in_order()
    {
        var random = new SeededRandom(5);
        foreach (var isInOrder in new[] { true, false })
        {
            using var skipped = new SkippedKeys();
            var (alice, bob) = Run.Connect(random, Mode.Accepted);
            Assert.True(DoubleRatchet.TryEncrypt(bob, "1"u8, 100, false, E2EVersions.Current, out var first, out var next, out _));
            Assert.True(DoubleRatchet.TryEncrypt(next, "2"u8, 100, null, E2EVersions.Current, out var second, out var last, out _));
            using var initial = DoubleRatchet.Decrypt(random, alice, skipped, isInOrder ? first : second);
            Assert.Equal(isInOrder, initial.Message is not null);
            using var following = DoubleRatchet.Decrypt(random, initial.NextState!, skipped, isInOrder ? second : first);
            Assert.Equal(isInOrder, following.Message is not null);
            foreach (var state in new[] { alice, bob, next, last })
                state.Dispose();
        }
    }

    private sealed class Run : IDisposable
    {
        private readonly SeededRandom _random;
        private readonly Mode _mode;
        private readonly Side[] _sides;
        private readonly Side _stranger;
        private readonly StringBuilder _trace = new();
        private int _messages;

        public Run(Mode mode, int seed)
        {
            _mode = mode;
            _random = new SeededRandom(seed);
            var (alice, bob) = Connect(_random, mode);
            _sides = [new Side(alice), new Side(bob)];
            var (first, second) = Connect(_random, mode);
            first.Dispose();
            _stranger = new Side(second);
        }

        public string Trace => _trace.ToString();

        public void Act()
        {
            var choice = _random.Next(100);
            var to = _sides[_random.Next(2)];
            if (choice < 45)
                Send(_random.Next(2));
            else if (choice < 80)
                Deliver(to, removes: true);
            else if (choice < 85)
                Deliver(to, removes: false);
            else if (choice < 88)
                Lose(to);
            else if (choice < 92)
                Replay(to);
            else if (choice < 96)
                Forge(to);
            else
                SpoilBody(to);
        }

        public void DeliverTheRest()
        {
            foreach (var side in _sides)
            {
                while (side.Incoming.Count > 0)
                    Deliver(side, removes: true);
            }
        }

        /// <summary>After any history both sides still understand each other, and the KEM is where the mode has it.</summary>
        public void CheckThatTheConversationGoesOn()
        {
            for (var round = 0; round < 4; round++)
            {
                // The joining side can always send; it goes first.
                foreach (var from in new[] { 1, 0 })
                {
                    Send(from, postQuantum: _mode == Mode.SwitchedAtWill ? true : null);
                    Deliver(_sides[1 - from], removes: true);
                }
            }

            Assert.Equal(_sides[0].State.GetSecurityCode(), _sides[1].State.GetSecurityCode());
            var expectsKem = _mode is Mode.Accepted or Mode.BothPropose or Mode.JoiningSideProposes or Mode.SwitchedAtWill;
            foreach (var side in _sides)
            {
                Assert.Equal(expectsKem, side.State.SendsPostQuantum);
                Assert.Equal(expectsKem, side.State.ReceivesPostQuantum);
                Assert.Equal(_mode == Mode.Version2 ? E2EVersions.KdfX3dh : E2EVersions.PostQuantum, side.State.Versions.Current);
            }
        }

        public void Dispose()
        {
            foreach (var side in _sides)
                side.Dispose();
            _stranger.Dispose();
        }

        public static (RatchetState Alice, RatchetState Bob) Connect(SeededRandom random, Mode mode)
        {
            var version = mode is Mode.Version2 or Mode.Version2UpgradedTo3 ? E2EVersions.KdfX3dh : E2EVersions.PostQuantum;
            var maxSupported = mode == Mode.Version2 ? E2EVersions.KdfX3dh : E2EVersions.Current;
            var offers = mode is Mode.Accepted or Mode.BothPropose or Mode.NotAccepted or Mode.SwitchedAtWill;
            using var aliceKeys = X3dh.GenerateInitiating(random, version, offers);
            var offer = aliceKeys.ToParams(version);
            KemReply? reply = mode switch
            {
                Mode.Accepted or Mode.SwitchedAtWill => KemReply.To(offer, supportsPostQuantum: true),
                Mode.BothPropose or Mode.JoiningSideProposes => new KemReply.Propose(),
                _ => null,
            };
            using var bobKeys = X3dh.GenerateJoining(random, version, reply);
            Assert.True(X3dh.TryJoin(random, bobKeys, offer, maxSupported, out var bob, out _));
            var supports = reply is not null;
            Assert.True(X3dh.TryInitiate(aliceKeys, bobKeys.ToParams(version), maxSupported, supports, out var alice, out _));
            return (alice, bob);
        }

        private void Send(int from)
        {
            bool? postQuantum = _mode == Mode.SwitchedAtWill && _random.Next(3) == 0 ? _random.Next(2) == 0 : null;
            if (postQuantum == false && !HasHeardChain(_sides[1 - from], _sides[from]))
                postQuantum = null;
            Send(from, postQuantum);
        }

        // After the KEM was turned off, headers no longer hold the secret on which the chain depends: the peer must have
        // read a message of the chain before (see the test of that below).
        private static bool HasHeardChain(Side receiver, Side sender) =>
            receiver.State.Receiving is { } receiving
            && sender.State.Sending is { } sending
            && receiving.HeaderKey.Span.SequenceEqual(sending.HeaderKey.Span);

        private void Send(int from, bool? postQuantum)
        {
            var sender = _sides[from];
            var supported = _mode == Mode.Version2 ? E2EVersions.KdfX3dh : E2EVersions.Current;
            var plaintext = Encoding.ASCII.GetBytes($"message {_messages} of {from}");
            if (!DoubleRatchet.TryEncrypt(sender.State, plaintext, 100, postQuantum, supported, out var encrypted, out var next, out var error))
            {
                // Only the initiating side, before it heard anything, cannot send.
                Assert.Equal(RatchetErrorKind.State, error.Kind);
                Assert.Equal((0, false), (from, sender.State.CanSend));
                return;
            }

            _trace.Append($"{(from == 0 ? 'a' : 'b')}{_messages} ");
            sender.Commit(next);
            _sides[1 - from].Incoming.Add(new Message(_messages++, plaintext, encrypted));
        }

        private void Deliver(Side to, bool removes)
        {
            if (to.Incoming.Count == 0)
                return;
            var index = _random.Next(to.Incoming.Count);
            var message = to.Incoming[index];
            if (removes)
                to.Incoming.RemoveAt(index);
            Receive(to, message);
        }

        private void Lose(Side to)
        {
            if (to.Incoming.Count > 0)
                to.Incoming.RemoveAt(_random.Next(to.Incoming.Count));
        }

        private void Replay(Side to)
        {
            if (to.Received.Count > 0)
                Receive(to, to.Received[_random.Next(to.Received.Count)]);
        }

        // The model: a message is readable until it was read, or spoilt.
        private void Receive(Side to, Message message)
        {
            _trace.Append($"{(to == _sides[0] ? 'A' : 'B')}{message.Number} ");
            using var decryption = DoubleRatchet.Decrypt(_random, to.State, to.Skipped, message.Encrypted);
            if (to.Done.Add(message.Number))
            {
                Assert.Null(decryption.Error);
                Assert.Equal(message.Plaintext, decryption.Message);
                to.Received.Add(message);
            }
            else
            {
                Assert.Null(decryption.Message);
                Assert.NotNull(decryption.Error);
                Assert.IsType<SkippedKeyDiff.None>(decryption.SkippedKeys);
                if (decryption.NextState is { } same)
                    Assert.Equal(to.State.Serialize(), same.Serialize());
            }

            to.Commit(decryption);
        }

        // Nothing that was not encrypted by the peer leaves a trace.
        private void Forge(Side to)
        {
            byte[] forged;
            switch (_random.Next(3))
            {
                case 0:
                    forged = _random.NextBytes(_random.Next(3000));
                    break;
                case 1:
                    Assert.True(DoubleRatchet.TryEncrypt(_stranger.State, "hello"u8, 100, null, E2EVersions.Current, out var foreign, out var next, out _));
                    _stranger.Commit(next);
                    forged = foreign;
                    break;
                default:
                    if (to.Incoming.Count == 0)
                        return;
                    forged = to.Incoming[_random.Next(to.Incoming.Count)].Encrypted.ToArray();
                    // Somewhere in the header's vector, tag or encrypted part; the version before it is the body's to protect.
                    forged[5 + _random.Next(70)] ^= (byte)(1 << _random.Next(8));
                    break;
            }

            using var decryption = DoubleRatchet.Decrypt(_random, to.State, to.Skipped, forged);
            Assert.False(decryption.HasChanges);
            Assert.NotNull(decryption.Error);
        }

        // As in the reference, an authentic header moves the ratchet even if the body turns out to be spoilt.
        private void SpoilBody(Side to)
        {
            if (to.Incoming.Count == 0)
                return;
            var message = to.Incoming[_random.Next(to.Incoming.Count)];
            var spoilt = message.Encrypted.ToArray();
            spoilt[^(1 + _random.Next(100))] ^= (byte)(1 << _random.Next(8));
            using var decryption = DoubleRatchet.Decrypt(_random, to.State, to.Skipped, spoilt);
            Assert.Null(decryption.Message);
            Assert.NotNull(decryption.Error);
            if (to.Done.Add(message.Number))
            {
                _trace.Append($"!{message.Number} ");
                Assert.Equal(RatchetErrorKind.Decryption, decryption.Error.Value.Kind);
                Assert.True(decryption.HasChanges);
            }

            to.Commit(decryption);
        }
    }

    private sealed record Message(int Number, byte[] Plaintext, byte[] Encrypted);

    /// <summary>One side's store, what travels towards it, and what the model knows of it.</summary>
    private sealed class Side(RatchetState state) : IDisposable
    {
        public RatchetState State { get; private set; } = state;

        public SkippedKeys Skipped { get; } = new();

        public List<Message> Incoming { get; } = [];

        public List<Message> Received { get; } = [];

        public HashSet<int> Done { get; } = [];

        public void Commit(RatchetState next)
        {
            State.Dispose();
            State = next;
        }

        public void Commit(RatchetDecryption decryption)
        {
            if (decryption.NextState is { } next)
                Commit(next.Copy());
            Skipped.Apply(decryption.SkippedKeys);
        }

        public void Dispose()
        {
            State.Dispose();
            Skipped.Dispose();
        }
    }
}
