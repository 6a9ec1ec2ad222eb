//! Our own RSA keys: made, taken out of and put into records of the key file, signing, verifying.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::ParsedPublicKey;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use aws_lc_rs::signature::RsaKeyPair;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use time::OffsetDateTime;

use crate::config::SigningAlgorithm;
use crate::domain::auth::keys::KeyAlgorithm;
use crate::domain::auth::keys::KeyFileFault;
use crate::domain::auth::keys::KeyRecord;
use crate::domain::auth::keys::KeyState;
use crate::domain::auth::keys::KeyType;
use crate::domain::auth::keys::PrivateText;
use crate::jose::JoseError;
use crate::jose::base64url;
use crate::jose::jws;
use crate::jose::numbers;
use crate::jose::numbers::PublicNumbers;

/// A private key of ours. `Debug` shows its name only; the library wipes it when dropped.
#[derive(Clone)]
pub struct SigningKey {
    pair: RsaKeyPair,
    public: PublicNumbers,
    kid: String,
}

impl SigningKey {
    /// Makes a key; takes a second or more for 4096 bits.
    ///
    /// # Errors
    /// A length other than 2048, 3072 or 4096 bits, or no randomness.
    pub fn generate(bits: u32) -> Result<Self, JoseError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            _ => return Err(JoseError::KeyLength),
        };
        let pair = RsaKeyPair::generate(size)?;
        let der: Pkcs8V1Der<'_> = pair.as_der()?;
        let (n, e, _) = numbers::private(der.as_ref()).ok_or(JoseError::Refused)?;
        let public = PublicNumbers::check(&n, &e).map_err(|_| JoseError::Refused)?;
        Ok(Self::new(pair, public))
    }

    fn new(pair: RsaKeyPair, public: PublicNumbers) -> Self {
        let kid = public.thumbprint();
        Self { pair, public, kid }
    }

    /// From the key file: the numbers must form a key, and the name must be its thumbprint.
    ///
    /// # Errors
    /// [`KeyFileFault::BadKey`], [`KeyFileFault::WrongName`].
    pub fn from_record(record: &KeyRecord) -> Result<Self, KeyFileFault> {
        let bad = || KeyFileFault::BadKey(record.kid.clone());
        let open = |text: &str| base64url::decode(text).ok_or_else(bad);
        let secret = |text: &PrivateText| {
            let bytes = base64url::decode(text.expose());
            bytes.map(zeroize::Zeroizing::new).ok_or_else(bad)
        };
        let public = PublicNumbers::check(&open(&record.n)?, &open(&record.e)?);
        let public = public.map_err(|_| bad())?;
        let components = KeyPairComponents {
            public_key: RsaPublicKeyComponents {
                n: public.n.as_slice(),
                e: public.e.as_slice(),
            },
            d: secret(&record.d)?,
            p: secret(&record.p)?,
            q: secret(&record.q)?,
            dP: secret(&record.dp)?,
            dQ: secret(&record.dq)?,
            qInv: secret(&record.qi)?,
        };
        let pair = RsaKeyPair::from_components(&components).map_err(|_| bad())?;
        let key = Self::new(pair, public);
        if key.kid == record.kid {
            Ok(key)
        } else {
            Err(KeyFileFault::WrongName(record.kid.clone()))
        }
    }

    /// For the key file. State and dates are those that `KeySet::generate` will set.
    ///
    /// # Errors
    /// When the library does not give the numbers out.
    pub fn to_record(&self, algorithm: SigningAlgorithm) -> Result<KeyRecord, JoseError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der()?;
        let (n, e, private) = numbers::private(der.as_ref()).ok_or(JoseError::Refused)?;
        let secret = |bytes: &[u8]| PrivateText::new(base64url::encode(bytes));
        Ok(KeyRecord {
            kid: self.kid.clone(),
            state: KeyState::Next,
            alg: match algorithm {
                SigningAlgorithm::Ps256 => KeyAlgorithm::Ps256,
                SigningAlgorithm::Rs256 => KeyAlgorithm::Rs256,
            },
            created: OffsetDateTime::UNIX_EPOCH,
            activated: None,
            retires: None,
            kty: KeyType::Rsa,
            n: base64url::encode(&n),
            e: base64url::encode(&e),
            d: secret(&private.d),
            p: secret(&private.p),
            q: secret(&private.q),
            dp: secret(&private.dp),
            dq: secret(&private.dq),
            qi: secret(&private.qi),
        })
    }

    /// Its RFC 7638 thumbprint in base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// A compact JWS over `payload`, with the header that all our tokens have.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn sign(&self, algorithm: SigningAlgorithm, payload: &[u8]) -> Result<String, JoseError> {
        let mut token = jws::signing_input(algorithm, &self.kid, payload);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let encoding = match algorithm {
            SigningAlgorithm::Ps256 => &RSA_PSS_SHA256,
            SigningAlgorithm::Rs256 => &RSA_PKCS1_SHA256,
        };
        let random = SystemRandom::new();
        self.pair
            .sign(encoding, &random, token.as_bytes(), &mut signature)?;
        token.push('.');
        base64url::push(&mut token, &signature);
        Ok(token)
    }

    /// The public half, pinned to one algorithm.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn verifying(&self, algorithm: SigningAlgorithm) -> Result<VerifyingKey, JoseError> {
        let components = RsaPublicKeyComponents {
            n: self.public.n.as_slice(),
            e: self.public.e.as_slice(),
        };
        let parameters = match algorithm {
            SigningAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            SigningAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        };
        Ok(VerifyingKey {
            key: components.to_parsed_public_key(parameters)?,
            algorithm,
            kid: self.kid.clone(),
            public: self.public.clone(),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// A public key of ours. It verifies signatures of one algorithm and no other.
#[derive(Clone)]
pub struct VerifyingKey {
    key: ParsedPublicKey,
    algorithm: SigningAlgorithm,
    kid: String,
    public: PublicNumbers,
}

impl VerifyingKey {
    /// Its RFC 7638 thumbprint in base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that it is pinned to.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Whether `signature` is that of `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }

    /// The public JWK (RFC 7517).
    #[must_use]
    pub fn to_jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "RSA",
            "use": "sig",
            "alg": jws::name(self.algorithm),
            "kid": self.kid,
            "n": base64url::encode(&self.public.n),
            "e": base64url::encode(&self.public.e),
        })
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.kid)
    }
}
