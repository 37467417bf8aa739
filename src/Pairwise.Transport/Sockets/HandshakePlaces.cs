using System.Buffers.Binary;
using System.Net;

namespace Pairwise.Transport.Sockets;

/// <summary>The places of a listener's handshakes, shared out by the addresses that clients come from. Thread-safe.</summary>
/// <remarks>
/// The policy. Few hellos are answered at the same time: that is where a handshake costs something, and whoever is next has
/// not to wait for a whole flood. The rest matters only while places are short. One place in eight is kept for addresses that hold none. Whoever
/// finds no place waits: first come addresses that hold none, then the others, each address in its turn with the one of its
/// clients that has waited longest. While somebody waits, the address that holds most places loses its oldest handshake,
/// once that has had the patience's time: an honest peer answers within a second or two. Clients behind one proxy count as
/// one address, and an IPv6 network of 64 bits does.
/// </remarks>
internal sealed class HandshakePlaces : IDisposable
{
    private const int KeptShare = 8;

    private readonly int _count;
    private readonly int _kept;
    private readonly int _mostAnswering;
    private readonly TimeSpan _patience;
    private readonly TimeProvider _time;
    private readonly ITimer _clock;
    private readonly Lock _gate = new();

    // all that follows is guarded by _gate
    private readonly Dictionary<ulong, Source> _sources = [];

    // those that hold places; those whose clients wait and that hold none, or some
    private readonly LinkedList<Source> _holders = new();
    private readonly LinkedList<Source> _strangers = new();
    private readonly LinkedList<Source> _others = new();
    private int _taken;
    private int _answering;
    private int _waiting;
    private int _ending;
    private bool _isClockSet;

    /// <param name="count">How many there are.</param>
    /// <param name="mostAnswering">How many hellos are answered at the same time.</param>
    /// <param name="patience">What time a handshake has at least.</param>
    /// <param name="time">The clock.</param>
    public HandshakePlaces(int count, int mostAnswering, TimeSpan patience, TimeProvider time)
    {
        _count = count;
        _mostAnswering = mostAnswering;
        _kept = count / KeptShare;
        _patience = patience;
        _time = time;
        _clock = time.CreateTimer(static self => ((HandshakePlaces)self!).OnPatience(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many are taken.</summary>
    public int Taken
    {
        get
        {
            lock (_gate)
                return _taken;
        }
    }

    /// <summary>Asks for a place.</summary>
    /// <param name="address">Where the client comes from.</param>
    /// <param name="limit">Ends the handshake when it is cancelled.</param>
    /// <returns>
    /// The place, to be used when <see cref="Place.Granted"/> has completed, and to be given to <see cref="Leave"/>, used or
    /// not, before the limit is disposed.
    /// </returns>
    public Place Enter(IPAddress address, CancellationTokenSource limit)
    {
        var key = KeyOf(address);
        lock (_gate)
        {
            if (!_sources.TryGetValue(key, out var source))
                _sources.Add(key, source = new Source(key));
            var place = new Place(source, limit);
            source.Waiting.AddLast(place.Node);
            _waiting++;
            LineUp(source);
            ShareOut();
            return place;
        }
    }

    /// <summary>Says that the client's hello is answered, and the peer's turn to go on.</summary>
    public void Answered(Place place)
    {
        lock (_gate)
        {
            EndAnswering(place);
            ShareOut();
        }
    }

    /// <summary>Gives a place back, or gives up waiting for it.</summary>
    public void Leave(Place place)
    {
        lock (_gate)
        {
            if (place.IsGranted)
                Free(place);
            else
                GiveUp(place);
        }
    }

    public void Dispose() => _clock.Dispose();

    // IPv4: the address. IPv6: its network.
    private static ulong KeyOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).TryWriteBytes(bytes, out var length);
        return length == sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    private void GiveUp(Place place)
    {
        place.Source.Waiting.Remove(place.Node);
        _waiting--;
        LineUp(place.Source);
    }

    private void Free(Place place)
    {
        var source = place.Source;
        if (place.Node.List is not null)
            source.Running.Remove(place.Node);
        else
            _ending--;
        EndAnswering(place);
        _taken--;
        if (--source.Held == 0)
            _holders.Remove(source.Holder);
        LineUp(source);
        ShareOut();
    }

    private void EndAnswering(Place place)
    {
        if (place.IsAnswering)
            _answering--;
        place.IsAnswering = false;
    }

    private void ShareOut()
    {
        while (FindNext() is { } next)
        {
            if (_answering == _mostAnswering)
                return; // there are places; whoever is answered next goes on here
            Grant(next);
        }

        EndOldest();
    }

    private Source? FindNext() => _taken == _count ? null
        : _strangers.First?.Value ?? (_taken < _count - _kept ? _others.First?.Value : null);

    private void Grant(Source source)
    {
        var place = source.Waiting.First!.Value;
        source.Waiting.RemoveFirst();
        source.Running.AddLast(place.Node);
        _waiting--;
        _taken++;
        _answering++;
        if (source.Held++ == 0)
            _holders.AddLast(source.Holder);
        source.Turn.List!.Remove(source.Turn); // its next client waits for its next turn
        LineUp(source);
        place.Began = _time.GetTimestamp();
        place.IsAnswering = true;
        place.Grant();
    }

    /// <summary>Puts an address into the line where it belongs, at the end if it was not in it; forgets who is in none.</summary>
    private void LineUp(Source source)
    {
        var line = source.Waiting.Count == 0 ? null : source.Held == 0 ? _strangers : _others;
        if (source.Turn.List != line)
        {
            source.Turn.List?.Remove(source.Turn);
            line?.AddLast(source.Turn);
        }

        if (line is null && source.Held == 0)
            _sources.Remove(source.Key);
    }

    private void OnPatience()
    {
        lock (_gate)
        {
            _isClockSet = false;
            EndOldest();
        }
    }

    // For each who waits one handshake is on its way out, as soon as one has had its time.
    private void EndOldest()
    {
        while (!_isClockSet && _waiting > _ending && FindEndable() is { } oldest)
        {
            var rest = _patience - _time.GetElapsedTime(oldest.Began);
            if (rest > TimeSpan.Zero)
            {
                _isClockSet = true;
                _clock.Change(rest, Timeout.InfiniteTimeSpan);
                return;
            }

            oldest.Source.Running.Remove(oldest.Node);
            _ending++;
            oldest.Limit.CancelAfter(TimeSpan.Zero); // by the timer: nothing of its end runs under the lock
        }
    }

    // The oldest of the address that has most under way; of several, the oldest of all.
    private Place? FindEndable()
    {
        Place? found = null;
        foreach (var source in _holders)
        {
            if (source.Running.First?.Value is not { } oldest)
                continue;
            var difference = source.Running.Count - (found?.Source.Running.Count ?? 0);
            if (difference > 0 || (difference == 0 && oldest.Began < found!.Began))
                found = oldest;
        }

        return found;
    }

    /// <summary>A handshake that has a place, or waits for one.</summary>
    internal sealed class Place
    {
        private readonly TaskCompletionSource _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Place(Source source, CancellationTokenSource limit)
        {
            Source = source;
            Limit = limit;
            Node = new LinkedListNode<Place>(this);
        }

        internal Source Source { get; }

        internal CancellationTokenSource Limit { get; }

        /// <summary>In the list of the source's clients that wait, then in that of those under way; in none when it is being ended.</summary>
        internal LinkedListNode<Place> Node { get; }

        internal long Began { get; set; }

        internal bool IsAnswering { get; set; }

        /// <summary>Completes when the place may be used.</summary>
        internal Task Granted => _granted.Task;

        internal bool IsGranted => Granted.IsCompleted;

        internal void Grant() => _granted.SetResult();
    }

    /// <summary>An address, or a network of addresses.</summary>
    internal sealed class Source
    {
        internal Source(ulong key)
        {
            Key = key;
            Turn = new LinkedListNode<Source>(this);
            Holder = new LinkedListNode<Source>(this);
        }

        internal ulong Key { get; }

        /// <summary>Places taken, those being ended included.</summary>
        internal int Held { get; set; }

        internal LinkedList<Place> Running { get; } = new();

        internal LinkedList<Place> Waiting { get; } = new();

        internal LinkedListNode<Source> Turn { get; }

        internal LinkedListNode<Source> Holder { get; }
    }
}
