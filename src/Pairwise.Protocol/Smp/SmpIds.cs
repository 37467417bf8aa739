namespace Pairwise.Protocol.Smp;

/// <summary>What a transmission is about, before the command says which kind of id it is: a queue, a link, a service or a session.</summary>
public readonly record struct EntityId(WireId Value)
{
    public EntityId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }

    public static EntityId None => default;

    public bool IsEmpty => Value.IsEmpty;
}

/// <summary>The id by which the recipient knows a queue.</summary>
public readonly record struct RecipientId(WireId Value)
{
    public RecipientId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }

    public static explicit operator RecipientId(EntityId id) => new(id.Value);

    public EntityId ToEntityId() => new(Value);
}

/// <summary>The id by which the sender knows a queue.</summary>
public readonly record struct SenderId(WireId Value)
{
    public SenderId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }

    public static explicit operator SenderId(EntityId id) => new(id.Value);

    public EntityId ToEntityId() => new(Value);
}

/// <summary>The id by which the notification server knows a queue.</summary>
public readonly record struct NotifierId(WireId Value)
{
    public NotifierId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }

    public static explicit operator NotifierId(EntityId id) => new(id.Value);

    public EntityId ToEntityId() => new(Value);
}

/// <summary>The id by which the data of a short link is found.</summary>
public readonly record struct LinkId(WireId Value)
{
    public LinkId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }

    public static explicit operator LinkId(EntityId id) => new(id.Value);

    public EntityId ToEntityId() => new(Value);
}

/// <summary>The id that a relay gives to a client service.</summary>
public readonly record struct ServiceId(WireId Value)
{
    public ServiceId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }

    public static explicit operator ServiceId(EntityId id) => new(id.Value);

    public EntityId ToEntityId() => new(Value);
}

/// <summary>The relay's id of a message; also the nonce of its encryption for the recipient.</summary>
public readonly record struct MessageId(WireId Value)
{
    public MessageId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }
}

/// <summary>What ties an answer to its command: 24 random bytes, also the nonce of an authenticator; empty in events of the relay.</summary>
public readonly record struct CorrId(WireId Value)
{
    public CorrId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }

    public static CorrId None => default;

    public bool IsEmpty => Value.IsEmpty;
}

/// <summary>A time as the protocol carries it.</summary>
/// <param name="UnixSeconds">Seconds since 1970-01-01 UTC; any value can arrive.</param>
public readonly record struct WireTime(long UnixSeconds)
{
    private static readonly long MinSeconds = DateTimeOffset.MinValue.ToUnixTimeSeconds();
    private static readonly long MaxSeconds = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    public static WireTime From(DateTimeOffset time) => new(time.ToUnixTimeSeconds());

    /// <summary>The nearest time that .NET can express.</summary>
    public DateTimeOffset ToDateTimeOffset() => DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(UnixSeconds, MinSeconds, MaxSeconds));
}
